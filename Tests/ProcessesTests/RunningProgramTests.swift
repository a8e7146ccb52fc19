import Foundation
import Processes
import TestSupport
import Testing

@Suite("RunningProgram", .timeLimit(.minutes(2)))
struct RunningProgramTests {
  @Test("it runs in its folder, with its variables, its streams and nothing else")
  func surroundings() throws {
    let folder = try TemporaryFolder()
    let held = open("/dev/null", O_RDONLY)
    defer { close(held) }
    let run = try ToolRun(
      "/bin/sh", ["-c", "pwd -P; echo \"$A-$HOME\"; ls /proc/self/fd; echo no >&2; exit 3"],
      environment: ["A": "b c"], folder: folder.path)
    #expect(run.code == 3 && run.errors == "no\n")
    let lines = run.text.split(separator: "\n").map(String.init)
    #expect(lines.first == URL(fileURLWithPath: folder.path).resolvingSymlinksInPath().path)
    #expect(lines.dropFirst().first == "b c-")
    // ls has one more, of the folder that it lists.
    #expect(lines.dropFirst(2) == ["0", "1", "2", "3"])
  }

  @Test("a missing program and a missing folder are told")
  func missing() {
    for (program, folder) in [("/no/such", "/"), ("/bin/sh", "/no/such")] {
      let error = #expect(throws: RunningProgram.NotStarted.self) {
        try RunningProgram(program, ["-c", "exit"], folder: folder)
      }
      #expect(error?.code == ENOENT)
    }
  }

  @Test("signals reach it, and its end stays known")
  func signals() throws {
    let program = try RunningProgram("/bin/sleep", ["100"])
    #expect(program.end == nil && program.wait(atMost: 0.01) == nil)
    program.send(SIGTERM)
    #expect(program.wait(atMost: 60) == .signalled(SIGTERM))
    program.send(SIGKILL)
    program.killAll()
    #expect(program.end == .signalled(SIGTERM))
  }

  @Test("it does not outlive its value")
  func lifetime() throws {
    let process: pid_t
    do {
      let program = try RunningProgram("/bin/sleep", ["100"])
      process = program.process
      #expect(kill(process, 0) == 0)
    }
    #expect(kill(process, 0) == -1 && errno == ESRCH)
  }

  @Test("many are started, waited for and killed at the same time")
  func many() {
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for number in 0..<25 {
        let code = Int32((thread * 25 + number) % 100)
        let run = try? ToolRun("/bin/sh", ["-c", "echo \(code); exit \(code)"])
        #expect(run?.code == code && run?.text == "\(code)\n")
      }
    }
  }
}
