import CAllocation
import LearningToLearn

LearningToLearn.run()
