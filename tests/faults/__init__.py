"""Faults: processes killed, disks full, files locked and broken, clocks set back."""
