"""Operating sequences: whatever an operator does to a plant, no joule may come from nowhere."""
