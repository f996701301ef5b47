"""Learn: a guided walk through the method, on the scan on show."""
