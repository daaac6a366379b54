"""Named SELECTs; read only."""
