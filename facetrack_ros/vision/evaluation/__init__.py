"""How good models are on labelled pictures: verification, identification, average precision."""
