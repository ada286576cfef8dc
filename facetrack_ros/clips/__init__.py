"""Stretches of a history as files to hand on: recordings, pictures, films, and what is known of them."""
