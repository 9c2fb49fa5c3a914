import leven from "leven";

/** The candidate that a name was most likely meant to be; `undefined`: none is near. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const wanted = bare(name);
  const most = Math.max(2, Math.floor(wanted.length / 4));
  let best: string | undefined;
  let least = most + 1;
  for (const candidate of candidates) {
    // A short name is two letters away from nearly every other.
    const distance = leven(wanted, bare(candidate), { maxDistance: least });
    if (distance < least && distance < Math.max(wanted.length, candidate.length) / 2) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** Without what people write differently: `stall_timeout`, `stalltimeout`, `stall-timeout`. */
function bare(name: string): string {
  return name.replace(/[-_.]/g, "").toLowerCase();
}

/** For a message about a name that is not known. */
export function suggestion(name: string, candidates: readonly string[]): string {
  const near = nearest(name, candidates);
  return near === undefined ? `known here are ${candidates.join(", ")}` : `did you mean ${near}?`;
}
