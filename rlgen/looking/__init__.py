"""Looking at runs without TensorBoard: in the terminal, side by side, as numbers, as a page to hand on."""
