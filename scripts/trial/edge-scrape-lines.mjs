export const scrapeLines = []
