"""Speed against peers, learning over seeds, and the tables made of both."""
