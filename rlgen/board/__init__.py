"""What TensorBoard shows of a run beside its curves: charts, hyperparameters, graphs, distributions, embeddings."""
