"""What an operator of a fleet may be allowed to do."""

#: Each permission, and what it allows. A fleet file may hold others, of other versions; they allow nothing.
PERMISSIONS = {
    "search": "search faces, and list people and the gallery",
    "frames": "fetch stored frames and save clips",
    "enrol": "enrol people, and delete entries of the gallery",
    "merge": "say that two ids are one person, or are not",
    "verify": "confirm or reject matches",
    "forget": "erase people from every robot",
    "audit": "list the requests that robots keep",
}

#: Permission that a request to the fleet needs, by its kind; empty: only robots make it. A kind that is not here is
#: refused.
OF_KIND = {
    "search": "search",
    "list_people": "search",
    "list_gallery": "search",
    "frames": "frames",
    "clip": "frames",
    "enrol": "enrol",
    "remove": "enrol",
    "merge": "merge",
    "split": "merge",
    "verify": "verify",
    "forget": "forget",
    "forget_preview": "forget",
    "list_requests": "audit",
    "missed": "",
}
