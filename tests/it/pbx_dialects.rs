//! PBX dialects.
