//! Checkpoints of a running search: what they hold, and how they are packed.

use serde::{Deserialize, Serialize};

use planning::search::SearchState;

/// Of [`Checkpoint`]'s shape. A checkpoint of another version is not read: its plan starts again
/// from round 0.
pub(crate) const VERSION: i32 = 2;

/// zstd's default: best speed per byte saved on text of this size.
const ZSTD_LEVEL: i32 = 3;

/// Unpacked bytes at most: a guard against a damaged row, far above any search's state.
const MAX_BYTES: usize = 256 << 20;

/// A search's state after a round, and which problem it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// Of the problem as assembled then. With another problem (a vendor's price changed, one was
    /// booked) the state means nothing, and the search starts again.
    pub problem_digest: String,
    pub search: SearchState,
}

/// How a checkpoint's body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Json,
    ZstdJson,
}

impl Codec {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::ZstdJson => "zstd+json",
        }
    }
}

/// A packed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    pub codec: Codec,
    pub body: Vec<u8>,
    /// Bytes before compression.
    pub plain_bytes: usize,
}

impl Checkpoint {
    /// # Errors
    /// What the codec says; no state that a search hands out fails.
    pub(crate) fn pack(&self, compress: bool) -> Result<Packed, std::io::Error> {
        let plain = serde_json::to_vec(self)?;
        let plain_bytes = plain.len();
        if !compress {
            return Ok(Packed { codec: Codec::Json, body: plain, plain_bytes });
        }
        let body = zstd::bulk::compress(&plain, ZSTD_LEVEL)?;
        Ok(Packed { codec: Codec::ZstdJson, body, plain_bytes })
    }

    /// `None` for another version, an unknown codec or a damaged body.
    pub(crate) fn unpack(version: i32, codec: &str, body: &[u8]) -> Option<Self> {
        if version != VERSION {
            return None;
        }
        if codec == Codec::ZstdJson.as_str() {
            let plain = zstd::bulk::decompress(body, MAX_BYTES).ok()?;
            return serde_json::from_slice(&plain).ok();
        }
        (codec == Codec::Json.as_str()).then(|| serde_json::from_slice(body).ok()).flatten()
    }
}
