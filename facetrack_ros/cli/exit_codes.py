"""Exit codes of the ``facetrack`` command."""

#: Done.
DONE = 0
#: Nothing matched, or nothing is recorded, and the answer is complete.
NOTHING_FOUND = 1
#: Wrong use: arguments, settings, files or robots that cannot be used.
WRONG_USE = 2
#: A robot, camera, store or stretch of time was not covered; the output names it.
PARTIAL = 3
#: An error that the program did not expect; it says where the traceback is.
UNEXPECTED = 4
#: Only a part of the input was taken in; the output names the rest.
PARTLY_TAKEN = 5
#: Ended by Ctrl-C.
INTERRUPTED = 130
#: The reader of standard output is gone.
OUTPUT_CLOSED = 141
