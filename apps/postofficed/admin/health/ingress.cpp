// The listener of callbacks: does it listen, is there room for a new sender, are callbacks refused.
#include <string>

#include "admin/health/figures.hpp"
#include "support/text.hpp"

namespace postofficed {
namespace {

/// Of a hundred: connections in use above which somebody should know.
constexpr std::uint64_t crowded = 90;

constexpr const char* about_connections =
    "find out who holds them (ss -tn), or allow more: ulimit -n, LimitNOFILE=";

std::string connections(const postoffice::HttpIngressStatus& ingress) {
  return std::to_string(ingress.connections) + " of " + std::to_string(ingress.connections_max) +
         " connections are in use";
}

void judge_connections(const postoffice::HttpIngressStatus& ingress, Findings& findings) {
  if (ingress.full) {
    const std::string words = connections(ingress) + ": a new sender gets no answer";
    return findings.push_back({PartState::down, words, about_connections, words});
  }
  if (ingress.connections * 100 < ingress.connections_max * crowded) return;
  findings.push_back({PartState::degraded,
                      connections(ingress),
                      about_connections,
                      {},
                      false,
                      HealthBounds::lately});
}

}  // namespace

Findings judge_ingress(const HealthFigures& figures, const HealthTrends& trends,
                       const HealthBounds&) {
  const auto& ingress = *figures.ingress;
  Findings findings;
  if (figures.stopping) {
    return {{PartState::idle, "this daemon is being stopped", {}, {}, true}};
  }
  if (!ingress.listening) {
    return {{PartState::down,
             "it does not listen for callbacks yet",
             "it does so by itself once the queue is ready; if this lasts, see the log",
             {},
             true}};
  }
  judge_connections(ingress, findings);
  if (trends.refused > 0) {
    const std::string words = counted(trends.refused, "callback") + " got 503 within " +
                              in_seconds(HealthBounds::lately) +
                              ", because they could not be made durable in time";
    const bool told = has_trouble(figures, "queue") || has_trouble(figures, "broker");
    findings.push_back({PartState::degraded, words,
                        "senders do not repeat them; see the parts queue and broker", words, told});
  }
  return findings;
}

}  // namespace postofficed
