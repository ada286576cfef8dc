"""Whether two face templates are of one person: :mod:`.agreement`."""
