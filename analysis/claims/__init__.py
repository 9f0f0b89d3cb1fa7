"""What the paper claims, and the rule that says of each claim whether the data bear it out."""
