extension OptimizerEntry {
  /// The classes that come with the package, in the order in which they are listed.
  public static let standard = lstms + perceptrons + classic

  private static let lstms = [
    OptimizerEntry(CoordinateWiseDeepLSTM.name, "an LSTM shared by all coordinates") {
      CoordinateWiseDeepLSTM($0)
    },
    OptimizerEntry(StandardDeepLSTM.name, "an LSTM on the rows of a matrix") {
      StandardDeepLSTM($0)
    },
    OptimizerEntry(KernelDeepLSTM.name, "an LSTM on the kernels of convolution filters") {
      KernelDeepLSTM($0)
    },
    OptimizerEntry(RNNprop.name, "an LSTM on gradients in units of their own history") {
      RNNprop($0)
    },
  ]

  private static let perceptrons = [
    OptimizerEntry(Celo2.name, "a perceptron with orthogonal directions; any model") { Celo2($0) },
    OptimizerEntry(Celo2Base.name, "Celo2's perceptron for all tensors, not orthogonal") {
      Celo2Base($0)
    },
    OptimizerEntry(AdafacMLPLOpt.name, "a perceptron with learned decays (small_fc)") {
      AdafacMLPLOpt($0)
    },
    OptimizerEntry(MLPLOpt.name, "a perceptron on gradient, parameter, momenta and time") {
      MLPLOpt($0)
    },
    OptimizerEntry(Celo.name, "a perceptron, and an LSTM that sets each tensor's step size") {
      Celo($0)
    },
  ]

  private static let classic = [
    OptimizerEntry(Sgd.name, "gradient descent") { Sgd($0) },
    OptimizerEntry(Adam.name, "Adam") { Adam($0) },
    OptimizerEntry(Momentum.name, "gradient descent with momentum") { Momentum($0) },
    OptimizerEntry(NAG.name, "Nesterov's accelerated gradient") { NAG($0) },
    OptimizerEntry(RMSprop.name, "RMSprop") { RMSprop($0) },
    OptimizerEntry(Adagrad.name, "rates that fall with the sum of squares") { Adagrad($0) },
    OptimizerEntry(LAMB.name, "Adam's directions, as long as the tensors they step") { LAMB($0) },
    OptimizerEntry(AdamW.name, "Adam with decoupled weight decay") { AdamW($0) },
    OptimizerEntry(NAdamW.name, "AdamW with Nesterov's momentum") { NAdamW($0) },
    OptimizerEntry(RAdam.name, "rectified Adam") { RAdam($0) },
    OptimizerEntry(Lion.name, "the sign of a momentum") { Lion($0) },
    OptimizerEntry(Muon.name, "orthogonal momenta for matrices, Adam for all else") { Muon($0) },
    OptimizerEntry(ScheduleFreeAdamW.name, "AdamW with an average in place of a schedule") {
      ScheduleFreeAdamW($0)
    },
  ]
}
