// The camera's path from the poses between frames, as TUM text.
#ifndef DEPTH_INFER_TRAJECTORY_H_
#define DEPTH_INFER_TRAJECTORY_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <opencv2/core.hpp>
#include <string>
#include <utility>
#include <vector>

#include "sidecar.h"

namespace depth {

// The matrix that takes points of frame `from` to frame `to`. `vector` has six numbers; angles are
// radians, those of Euler clipped to +-pi; the translation is multiplied by `scale`.
cv::Matx44d PoseMatrix(const PoseSpec& spec, const float* vector, double scale);

// x, y, z, w, by way of the angles of Rx Ry Rz, which fixes the sign.
cv::Vec4d Quaternion(const cv::Matx44d& pose);

// Collects to_from_from matrices of the frames of one sequence.
class Path {
 public:
  // `rank` is the pair's place in the sidecar: where two pairs tell of one step, the first counts.
  void Add(int64_t from, int64_t to, size_t rank, const cv::Matx44d& to_from_from);

  // Runs of neighbouring frames, each as the text of a TUM file: the frame's number, the place
  // and quaternion of world_from_camera; the world is the first camera of the run.
  std::vector<std::string> Texts() const;

 private:
  // By the earlier frame: (rank, this_from_next).
  std::map<int64_t, std::pair<size_t, cv::Matx44d>> steps_;
};

}  // namespace depth

#endif  // DEPTH_INFER_TRAJECTORY_H_
