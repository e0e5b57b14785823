//! What needs neither a daemon nor a database: the planning core against brute force, problem files,
//! the command lines by themselves, the shipped files, and the walls between the rooms.

mod command_lines;
mod layering;
mod options;
mod planning;
mod problem_files;
mod samples;
mod shipped_files;
mod sources;
mod tables;
