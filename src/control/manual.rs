//! Man pages and completions, made of a command line's own description.

use std::{fs, io, path::Path};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

/// A completion script for a shell.
pub fn completions(mut command: Command, shell: Shell) -> String {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The page of the whole command. `section`: 1 for users' commands, 8 for administrators'.
///
/// # Errors
/// None in practice: it is written into memory.
pub fn page(command: Command, section: &str) -> io::Result<String> {
    let mut text = Vec::new();
    Man::new(command).section(section).render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// A page per command, named as `eventplannerctl-plan-list.1`, in a directory that is made where
/// it is missing.
///
/// # Errors
/// The directory can't be written.
pub fn write_pages(mut command: Command, section: &str, dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    // Gives subcommands their parents' names and global options.
    command.build();
    write_with_subcommands(&command, section, dir)
}

fn write_with_subcommands(command: &Command, section: &str, dir: &Path) -> io::Result<()> {
    let shown = |sub: &&Command| sub.get_name() != "help" && !sub.is_hide_set();
    for sub in command.get_subcommands().filter(shown) {
        write_with_subcommands(sub, section, dir)?;
    }
    Man::new(command.clone()).section(section).generate_to(dir).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_its_page_and_hidden_ones_have_none() {
        let command = Command::new("tool")
            .about("Does things")
            .subcommand(Command::new("plan").subcommand(Command::new("list").about("Lists")))
            .subcommand(Command::new("secret").hide(true));
        let dir = tempfile::tempdir().unwrap();
        let pages = dir.path().join("man8");
        write_pages(command.clone(), "8", &pages).unwrap();
        let mut names: Vec<String> = fs::read_dir(&pages)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["tool-plan-list.8", "tool-plan.8", "tool.8"]);
        let list = fs::read_to_string(pages.join("tool-plan-list.8")).unwrap();
        assert!(list.contains(".TH tool-plan-list 8") && list.contains("Lists"), "{list}");
        assert!(page(command.clone(), "1").unwrap().contains("Does things"));
        assert!(completions(command, Shell::Bash).contains("tool"));
    }
}
