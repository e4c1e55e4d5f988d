"""Virtual devices in their own process, with a fault menu."""
