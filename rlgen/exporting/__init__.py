"""What was learned, out of the house: in formats that others load, beside a report of how exactly they agree."""
