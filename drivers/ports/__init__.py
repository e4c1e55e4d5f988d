"""Every device's Protocol, values and errors, and documents to be drawn; one file a family."""
