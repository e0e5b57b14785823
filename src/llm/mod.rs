//! Floor 2: LLM servers: one client per protocol, prompts, reply validation, cache, admission, circuit breaker.

pub mod settings;
