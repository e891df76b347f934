#include "trajectory.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace depth {
namespace {

// An axis times its angle (Rodrigues).
cv::Matx33d FromAxisAngle(const cv::Vec3d& vector) {
  const double angle = cv::norm(vector);
  if (angle < std::numeric_limits<double>::epsilon()) return cv::Matx33d::eye();
  const cv::Vec3d axis = vector / angle;
  const double sine = std::sin(angle), rest = 1 - std::cos(angle);
  const cv::Matx33d cross(0, -axis[2], axis[1], axis[2], 0, -axis[0], -axis[1], axis[0], 0);
  return cv::Matx33d::eye() + sine * cross + rest * (cross * cross);
}

cv::Matx33d FromEuler(cv::Vec3d angles) {
  double sine[3], cosine[3];
  for (int i = 0; i < 3; ++i) {
    const double angle = std::clamp(angles[i], -M_PI, M_PI);
    sine[i] = std::sin(angle);
    cosine[i] = std::cos(angle);
  }
  const cv::Matx33d x(1, 0, 0, 0, cosine[0], -sine[0], 0, sine[0], cosine[0]);
  const cv::Matx33d y(cosine[1], 0, sine[1], 0, 1, 0, -sine[1], 0, cosine[1]);
  const cv::Matx33d z(cosine[2], -sine[2], 0, sine[2], cosine[2], 0, 0, 0, 1);
  return x * y * z;
}

cv::Matx44d Compose(const cv::Matx33d& r, const cv::Vec3d& t) {
  return {r(0, 0), r(0, 1), r(0, 2), t[0], r(1, 0), r(1, 1), r(1, 2), t[1],
          r(2, 0), r(2, 1), r(2, 2), t[2], 0,       0,       0,       1};
}

cv::Matx44d Inverse(const cv::Matx44d& pose) {
  const cv::Matx33d back = pose.get_minor<3, 3>(0, 0).t();
  return Compose(back, -(back * cv::Vec3d(pose(0, 3), pose(1, 3), pose(2, 3))));
}

cv::Vec4d Product(const cv::Vec4d& a, const cv::Vec4d& b) {
  const cv::Vec3d u(a[0], a[1], a[2]), v(b[0], b[1], b[2]);
  const cv::Vec3d w = a[3] * v + b[3] * u + u.cross(v);
  return {w[0], w[1], w[2], a[3] * b[3] - u.dot(v)};
}

std::string Line(int64_t frame, const cv::Matx44d& pose) {
  const cv::Vec4d q = Quaternion(pose);
  char text[320];
  std::snprintf(text, sizeof(text), "%.9f %.9f %.9f %.9f %.9f %.9f %.9f %.9f\n",
                static_cast<double>(frame), pose(0, 3), pose(1, 3), pose(2, 3), q[0], q[1], q[2],
                q[3]);
  return text;
}

}  // namespace

cv::Matx44d PoseMatrix(const PoseSpec& spec, const float* vector, double scale) {
  const float* rotation = vector + (spec.translation_first ? 3 : 0);
  const float* translation = vector + (spec.translation_first ? 0 : 3);
  const cv::Vec3d angles(rotation[0], rotation[1], rotation[2]);
  return Compose(spec.euler ? FromEuler(angles) : FromAxisAngle(angles),
                 scale * cv::Vec3d(translation[0], translation[1], translation[2]));
}

cv::Vec4d Quaternion(const cv::Matx44d& pose) {
  // Where the y axis stands upright only the sum of the other angles is known.
  const double flat = std::hypot(pose(2, 2), pose(1, 2));
  const bool known = flat > 4 * std::numeric_limits<double>::epsilon();
  const double x = known ? std::atan2(-pose(1, 2), pose(2, 2)) : 0;
  const double y = std::atan2(pose(0, 2), flat);
  const double z = known ? std::atan2(-pose(0, 1), pose(0, 0)) : std::atan2(pose(1, 0), pose(1, 1));
  const cv::Vec4d about_x(std::sin(x / 2), 0, 0, std::cos(x / 2));
  const cv::Vec4d about_y(0, std::sin(y / 2), 0, std::cos(y / 2));
  const cv::Vec4d about_z(0, 0, std::sin(z / 2), std::cos(z / 2));
  return Product(Product(about_x, about_y), about_z);
}

void Path::Add(int64_t from, int64_t to, size_t rank, const cv::Matx44d& to_from_from) {
  if (std::abs(to - from) != 1) return;  // longer steps are not needed for a chain
  const int64_t earlier = std::min(from, to);
  const auto found = steps_.find(earlier);
  if (found != steps_.end() && found->second.first <= rank) return;
  steps_[earlier] = {rank, from < to ? Inverse(to_from_from) : to_from_from};
}

std::vector<std::string> Path::Texts() const {
  std::vector<std::string> texts;
  cv::Matx44d world_from_camera;
  int64_t end = 0;
  for (const auto& [frame, step] : steps_) {
    if (texts.empty() || frame != end) {
      world_from_camera = cv::Matx44d::eye();
      texts.push_back(Line(frame, world_from_camera));
    }
    world_from_camera = world_from_camera * step.second;
    end = frame + 1;
    texts.back() += Line(end, world_from_camera);
  }
  return texts;
}

}  // namespace depth
