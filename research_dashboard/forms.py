"""Forms: they check shape; the database decides."""
