//! Floor 2: vendor files: reading, checking, generating.
