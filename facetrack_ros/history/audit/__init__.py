"""Records that cannot be changed unnoticed: :class:`.hash_chain.HashChain`."""
