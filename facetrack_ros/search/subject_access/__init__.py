"""All that stored histories keep about one person, as a folder for that person."""
