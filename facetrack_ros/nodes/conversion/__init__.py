"""Values to messages and back, a module a subject; hri_state and markers also keep what their messages need."""
