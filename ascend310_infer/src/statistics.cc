#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <numeric>
#include <sstream>

namespace depth {

double NearestRank(std::vector<double> values, double percent) {
  if (values.empty()) return 0;
  const double rank = std::ceil(percent / 100 * static_cast<double>(values.size()));
  const auto at =
      values.begin() + std::max<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(rank) - 1, 0);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

std::string Report(const Statistics& statistics) {
  const auto& calls = statistics.call_ms;
  const double total = std::accumulate(calls.begin(), calls.end(), 0.0);
  const double images = static_cast<double>(statistics.images);
  std::ostringstream text;
  text << std::fixed << std::setprecision(3);
  text << "NN inference cost average time: " << (images > 0 ? total / images : 0)
       << " ms of infer_count " << statistics.images << "\n";
  text << "latency of " << calls.size() << " calls: p50 " << NearestRank(calls, 50) << " ms, p95 "
       << NearestRank(calls, 95) << " ms, p99 " << NearestRank(calls, 99) << " ms\n";
  text << "end to end: " << statistics.images << " images in " << statistics.seconds << " s, "
       << (statistics.seconds > 0 ? images / statistics.seconds : 0) << " images/s\n";
  return text.str();
}

}  // namespace depth
