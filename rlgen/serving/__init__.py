"""What was learned behind an address: requests and answers as TensorFlow Serving has them."""
