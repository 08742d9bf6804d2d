"""Guards against slow-downs by design: they count work and know no clock."""
