//! Real daemons, each with a database of its own, through the real command line and socket.

mod control_api;
mod database;
mod demo;
mod edges;
mod infeasible;
mod llm;
mod openapi;
mod process;
mod replanning;
mod service;
