import TestSupport
import Testing

/// Settings of a training that contradict each other are told before anything is made.
@Suite("What does not go together")
struct PlanChecksTests {
  /// Words of a command line, and what the error says.
  private static let combinations: [(String, [String])] = [
    ("--estimator=backpop", ["no estimator 'backpop'", "did you mean 'backprop'?"]),
    (
      "--num_meta_steps=5",
      ["--estimator=backprop counts epochs", "--num_epochs instead of --num_meta_steps"]
    ),
    (
      "--estimator=pes --num_epochs=5",
      ["--estimator=pes counts meta-steps", "--num_meta_steps instead of --num_epochs"]
    ),
    (
      "--num_steps=40..80 --num_epochs=5",
      ["--num_steps=40..80 end at different times", "--num_meta_steps instead of --num_epochs"]
    ),
    (
      "--estimator=es --second_derivatives",
      ["--second_derivatives is of backpropagation", "--estimator=es", "backprop or pes-analytic"]
    ),
    (
      "--estimator=pes --perturbation_steps=40",
      ["--perturbation_steps is of --estimator=nres, not of pes"]
    ),
    (
      "--estimator=nres --perturbation_steps=30 --unroll_length=20",
      ["--perturbation_steps 30 must be a multiple of --unroll_length 20"]
    ),
    ("--estimator=nres --sign", ["--sign is of --estimator=full-es, not of nres"]),
    (
      "--estimator=nres --num_steps=10..100 --unroll_length=20",
      ["--unroll_length 20 is longer than the shortest of --num_steps 10..100"]
    ),
    ("--sigma=0.1", ["--sigma has no effect without evolution strategies"]),
    ("--loss_clip=2", ["--loss_clip has no effect without evolution strategies"]),
    ("--weight_decay=0.1", ["--weight_decay has no effect without --meta_optimizer=adamw"]),
    ("--momentum=0.5", ["--momentum has no effect without --meta_optimizer=sgd"]),
    (
      "--meta_optimizer=sgd --weight_decay=0.1",
      ["--weight_decay has no effect without --meta_optimizer=adamw"]
    ),
    ("--freeze=linear/ww", ["no net has weights 'linear/ww'", "did you mean 'linear/w'?"]),
    ("--num_steps=10 --unroll_length=20", ["--num_steps 10 is less than --unroll_length 20"]),
  ]

  @Test("one line says what and what to do, and nothing is made", arguments: combinations)
  func refused(words: String, sentences: [String]) throws {
    let folder = try TemporaryFolder()
    try expectFailure(
      ["train", "--save_path=new"] + words.split(separator: " ").map(String.init), code: 64,
      saying: sentences, in: folder.path)
    #expect(try folder.names() == [])
  }

  @Test(
    "what does go together trains",
    arguments: [
      "--estimator=pes-analytic --second_derivatives --num_meta_steps=1 --sigma=0.1",
      "--estimator=nres --perturbation_steps=40 --num_meta_steps=1 --loss_clip=9",
      "--estimator=full-es --sign --num_steps=10 --num_meta_steps=1",
      "--num_steps=40..80 --num_meta_steps=1 --meta_optimizer=adamw --weight_decay=0.1",
      "--num_epochs=1 --meta_optimizer=sgd --momentum=0.5 --freeze=linear/w",
      "--num_epochs=1 --freeze=cw/linear/b",
    ])
  func accepted(words: String) throws {
    let result = try run(
      ["train", "--evaluation_epochs=0"] + words.split(separator: " ").map(String.init))
    #expect(result.code == 0, "\(result.errors)")
  }

  @Test("a learning rate that follows from the end keeps that end on resuming")
  func cosine() throws {
    let folder = try TemporaryFolder()
    let train = ["train", "--save_path=t", "--evaluation_epochs=0"]
    let first = try run(train + ["--num_epochs=2", "--schedule=cosine"], in: folder.path)
    #expect(first.code == 0)
    let before = try contents(folder.file("t/latest.training-state.safetensors"))
    try expectFailure(
      train.filter { !$0.contains("evaluation") } + ["--resume", "--num_epochs=4"], code: 64,
      saying: ["'t' has --schedule=cosine", "--start_from"], in: folder.path)
    #expect(try contents(folder.file("t/latest.training-state.safetensors")) == before)
    let again = try run(["train", "--resume", "--save_path=t"], in: folder.path)
    #expect(again.code == 0, "\(again.errors)")
  }
}
