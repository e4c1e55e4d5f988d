"""What node and HQ must compute alike."""
