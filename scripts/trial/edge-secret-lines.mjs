export const secretLines = []
