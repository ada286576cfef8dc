"""Events for ``facetrack events``: ``EventLogs`` reads them, ``EventPeople`` names people, ``EventChoice`` chooses."""
