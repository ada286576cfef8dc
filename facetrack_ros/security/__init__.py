"""Who belongs to the fleet, and who may do what: keys, signed and sealed messages. Free of ROS.

``Identity`` is the private keys of a robot or operator, ``PublicKeys`` what others check and seal with. ``canonical``
gives the bytes that are signed. ``ReplayGuard`` admits each signed message once. ``seal`` encrypts for one reader. All
algorithms are those of the library cryptography: Ed25519, X25519, HKDF-SHA256, ChaCha20-Poly1305.
"""
