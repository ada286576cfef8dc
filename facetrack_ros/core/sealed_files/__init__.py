"""Files that are encrypted where their folder is, and plain where it is not: the one layer that opens them.

:mod:`.folder_keys` says which key is of a path. :mod:`.record_file` holds files with random access, :mod:`.whole_file`
small files, :mod:`.sealed_lines` logs of lines. Encryption is AES-256-GCM, keys are derived by HKDF-SHA256; both are
of the library cryptography.
"""
