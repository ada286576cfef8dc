"""What crosses the mesh: SearchClient, SearchServer, PeopleListener, PeopleSync, PeopleDirectory, FrameServices."""
