"""Many trials of one request with other values of its fields, proposed by Optuna, for the best of them."""
