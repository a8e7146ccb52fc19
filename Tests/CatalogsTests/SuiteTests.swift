import Catalogs
import Datasets
import Layers
import Problems
import Testing

@Suite("suites")
struct SuiteTests {
  @Test(
    "every task of the package's suites can be built without a network, and its baselines exist")
  func standard() throws {
    for suite in Suite.standard {
      for task in suite.tasks {
        let built = try Catalog.standard.problem(named: task.problem).make(
          options: task.options, data: ProblemData(split: .test))
        #expect(!built.problem.parameters.isEmpty, "\(task.name)")
        #expect(!task.name.contains(",") && !task.name.contains("\""))
      }
      for name in suite.baselines {
        #expect(Catalog.standard.baseline(spelled: name) != nil, "\(name)")
      }
      #expect(Catalog.standard.suite(named: suite.name)?.tasks == suite.tasks)
    }
    #expect(Catalog.standard.suite(named: "none") == nil)
  }

  private func suite(_ text: String) throws -> Suite {
    try Suite(parsing: text, name: "file", standard: Suite.fileStandard)
  }

  @Test("a file says tasks, and what it does not say is as in the suite small")
  func file() throws {
    let suite = try suite(
      """
      {"tasks": [
        {"problem": "perceptron", "options": {"layers": [8, 4], "grey": true, "set": "mnist"},
         "steps": 10},
        {"problem": "beale", "steps": 7, "name": "mine"}],
       "seeds": 2, "baselines": ["NAG"]}
      """)
    #expect(suite.name == "file" && suite.seedCount == 2 && suite.baselines == ["NAG"])
    #expect(suite.trialCount == Suite.fileStandard.trialCount)
    #expect(
      suite.tasks == [
        Suite.Task(
          "perceptron", ["layers": "8,4", "grey": "true", "set": "mnist"], steps: 10,
          name: "perceptron grey=true layers=8-4 set=mnist"),
        Suite.Task("beale", steps: 7, name: "mine"),
      ])
    #expect(
      suite.tasks[0].name
        == Suite.Task(
          "perceptron", ["layers": "8,4", "grey": "true", "set": "mnist"], steps: 10
        ).name)
  }

  @Test(
    "a malformed file is refused with the place and what is expected there",
    arguments: [
      ("", "the file", "no JSON"), ("[]", "the file", "object"),
      (#"{"tasks": []}"#, "tasks", "list"), (#"{"task": []}"#, "the file", "'task'"),
      (#"{"tasks": [3]}"#, "tasks[0]", "object"),
      (#"{"tasks": [{"problem": "simple"}]}"#, "tasks[0].steps", "missing"),
      (#"{"tasks": [{"steps": 3}]}"#, "tasks[0].problem", "name"),
      (#"{"tasks": [{"problem": "simple", "steps": 0}]}"#, "tasks[0].steps", "whole number"),
      (#"{"tasks": [{"problem": "simple", "steps": 1.5}]}"#, "tasks[0].steps", "whole number"),
      (#"{"tasks": [{"problem": "simple", "steps": 1e99}]}"#, "tasks[0].steps", "10000000"),
      (#"{"tasks": [{"problem": "simple", "steps": 1, "x": 1}]}"#, "tasks[0]", "'x'"),
      (
        #"{"tasks": [{"problem": "simple", "steps": 1, "options": {"a": {}}}]}"#,
        "tasks[0].options.a", "text"
      ),
      (
        #"{"tasks": [{"problem": "simple", "steps": 1, "name": "a,b"}]}"#, "tasks[0].name", "commas"
      ),
      (
        #"{"tasks": [{"problem": "a", "steps": 1}, {"problem": "a", "steps": 2}]}"#, "tasks[1]",
        "second"
      ),
      (#"{"tasks": [{"problem": "a", "steps": 1}], "seeds": 0}"#, "seeds", "whole number"),
      (#"{"tasks": [{"problem": "a", "steps": 1}], "baselines": [1]}"#, "baselines", "names"),
      (#"{"tasks": [{"problem": "a", "steps": 1}], "baselines": []}"#, "baselines", "each once"),
      (
        #"{"tasks": [{"problem": "a", "steps": 1}], "baselines": ["Adam", "Adam"]}"#, "baselines",
        "each once"
      ), (#"{"tasks": [{"problem": "a", "steps": 1}], "name": 5}"#, "name", "text"),
      (#"{"tasks": [{"problem": "a", "steps": 1}], "summary": [1]}"#, "summary", "text"),
      (#"{"tasks": [{"problem": "a", "steps": 1, "steps": 2}]}"#, "the file", "'steps' twice"),
    ])
  func malformed(text: String, place: String, reason: String) throws {
    let error = try #require(throws: SuiteFileError.self) { try suite(text) }
    #expect(error.place == place && error.reason.contains(reason), "\(error)")
  }
}
