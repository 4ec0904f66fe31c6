export class FreshetPlayer {}
