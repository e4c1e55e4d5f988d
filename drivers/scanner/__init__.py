"""Barcode scanners on serial lines and as keyboards."""
