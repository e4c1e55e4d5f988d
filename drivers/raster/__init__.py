"""Text, codes and pictures turned into pixels."""
