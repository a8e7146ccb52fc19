import ArgumentParser
import Catalogs
import Comparison
import Files
import LearnedOptimizers
import MPIGroups
import MetaTraining
import Settings
import Unrolling

/// What `list` can be told.
struct ListSettings: Configurable {
  var command: String?
  var page: String?

  static let settings: [Setting<ListSettings>] = [
    Setting(
      "options", \.command, effect: .run, placeholder: "COMMAND", default: "",
      "the options of a command instead, as a table in Markdown"),
    Setting(
      "manual", \.page, effect: .run, placeholder: "COMMAND", default: "",
      "a command's page of the manual instead, for man; 'l2l' for the program's"),
  ]
}

/// Lists what can be chosen by name.
struct List: SettingsCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List problems, their options and nets, and all optimizers.")

  @OptionGroup var arguments: SettingArguments<ListSettings>

  static func run(
    _ settings: ListSettings, given: GivenSettings<ListSettings>, on catalog: Catalog
  ) throws {
    guard Launch.current.rank == 0 else { return }
    if let command = settings.command {
      for line in try Program.table(ofCommand: command) { StandardOutput.write(line) }
      return
    }
    if let page = settings.page {
      for line in try Program.manual(of: page) { StandardOutput.write(line) }
      return
    }
    StandardOutput.write("Problems (--problem):")
    for entry in catalog.problems {
      StandardOutput.write("  \(entry.name): \(entry.summary)")
      for option in entry.options {
        StandardOutput.write(
          "      \(option.name)=\(option.standard)  \(option.summary); \(option.expected)")
      }
      for net in entry.nets {
        StandardOutput.write(
          "      net \(net.key): \(net.net) \(JSONValue.object(net.options).text)"
            + " steps \(net.parameters)")
      }
    }
    StandardOutput.write("Nets (--net_option net=NAME):")
    for entry in catalog.optimizers {
      StandardOutput.write("  \(entry.name): \(entry.summary)")
      for option in entry.settings {
        StandardOutput.write(
          "      \(option.name)=\(option.standard)  \(option.summary); \(option.expected)")
      }
    }
    StandardOutput.write("Pretrained (--path, --start_from, NAME=PATH):")
    for pretrained in PretrainedOptimizer.allCases {
      StandardOutput.write("  pretrained:\(pretrained.rawValue): for \(pretrained.summary)")
    }
    StandardOutput.write("Estimators of meta-gradients (train --estimator):")
    for entry in catalog.estimators {
      StandardOutput.write("  \(entry.name): \(entry.summary)")
    }
    StandardOutput.write("Recipes (train --recipe):")
    for recipe in catalog.recipes {
      StandardOutput.write("  \(recipe.name): \(recipe.summary)")
      for (phase, words) in zip(recipe.phases, try RecipeRun.arguments(of: recipe)) {
        let label = recipe.phases.count > 1 ? "\(phase.name): " : ""
        StandardOutput.write(
          "      \(label)\(words.map(ShellWord.quoted).joined(separator: " "))")
      }
    }
    StandardOutput.write("Suites (compare --suite):")
    for suite in catalog.suites {
      StandardOutput.write("  \(suite.name): \(suite.summary)")
      for task in suite.tasks {
        let options = task.options.isEmpty ? "" : " \(task.options.settingText)"
        StandardOutput.write(
          "      \(task.name): \(task.problem)\(options), \(task.stepCount) steps")
      }
    }
    let names = (["L2L"] + catalog.baselines.map(\.name)).joined(separator: ", ")
    StandardOutput.write("Optimizers (evaluate --optimizer, compare --optimizers): \(names)")
  }
}
