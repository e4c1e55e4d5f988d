"""The shared vocabulary of node and HQ: messages, signatures, schema and ports."""
