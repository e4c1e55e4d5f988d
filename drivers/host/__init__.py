"""The machine itself: clocks, boot identity and the service manager."""
