/** A known hole in an installed package. */
export interface Advisory {
  /** GHSA-… */
  readonly id: string;
  readonly package: string;
  readonly severity: string;
  readonly title: string;
  /** How it is reached, from a package of the workspace on: `packages__core>koffi`. */
  readonly paths: readonly string[];
}

/** Why advisories of a package do no harm here. */
export interface Explanation {
  readonly package: string;
  /** Only where every path to it leads through this package. */
  readonly through: string;
  readonly reason: string;
}

interface Report {
  readonly advisories: Readonly<
    Record<
      string,
      {
        readonly github_advisory_id: string;
        readonly module_name: string;
        readonly severity: string;
        readonly title: string;
        readonly findings: readonly { readonly paths: readonly string[] }[];
      }
    >
  >;
}

/** What `pnpm audit --json` printed, or undefined where the registry gave no report. */
export function readAudit(printed: string): Advisory[] | undefined {
  let report: Partial<Report>;
  try {
    report = JSON.parse(printed) as Partial<Report>;
  } catch {
    return undefined;
  }
  if (report.advisories === undefined) return undefined;
  return Object.values(report.advisories).map((each) => ({
    id: each.github_advisory_id,
    package: each.module_name,
    severity: each.severity,
    title: each.title,
    paths: each.findings.flatMap(({ paths }) => paths),
  }));
}

/** The advisories that no explanation covers, in words. */
export function unexplained(found: readonly Advisory[], explanations: readonly Explanation[]): string[] {
  const covers = (advisory: Advisory): boolean =>
    explanations.some(
      ({ package: name, through }) =>
        name === advisory.package && advisory.paths.every((path) => path.split('>').includes(through)),
    );
  return found
    .filter((advisory) => !covers(advisory))
    .map(
      ({ id, package: name, severity, title, paths }) =>
        `${id} (${severity}) in ${name}: ${title}. By ${paths[0] ?? 'no path'}. Update it, or explain it in tooling/release/audit.json.`,
    );
}
