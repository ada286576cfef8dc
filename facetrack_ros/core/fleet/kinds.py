"""Kinds of requests to the fleet."""

#: Persons, merge decisions and gallery entries of each robot, without embeddings.
LIST_PEOPLE = "list_people"
